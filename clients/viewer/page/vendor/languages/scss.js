import{a as o}from"../shared-TUYOKNU6.js";import"../shared-6WUASML4.js";import"../shared-M5ODL33J.js";import"../shared-XWQ56AL2.js";var s=()=>o();export{s as default};
