import{e as r}from"../shared-FHMM74PO.js";import"../shared-V662YIVH.js";import"../shared-M5ODL33J.js";import"../shared-XWQ56AL2.js";var a=()=>r({jsx:!0});export{a as default};
