import{c as o}from"../shared-6WUASML4.js";import"../shared-M5ODL33J.js";import"../shared-XWQ56AL2.js";var t=()=>o();export{t as default};
