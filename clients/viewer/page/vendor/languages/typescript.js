import{e as t}from"../shared-FHMM74PO.js";import"../shared-V662YIVH.js";import"../shared-M5ODL33J.js";import"../shared-XWQ56AL2.js";var e=()=>t({jsx:!0,typescript:!0});export{e as default};
